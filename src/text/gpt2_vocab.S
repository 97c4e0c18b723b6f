// The GPT-2 vocabulary table (tools/make-vocab.mjs), as read-only bytes of the program.
        .section .rodata
        .balign 16
        .global bpe__gpt2_table
        .hidden bpe__gpt2_table
        .global bpe__gpt2_table_end
        .hidden bpe__gpt2_table_end
bpe__gpt2_table:
        .incbin "gpt2_vocab.bin"
bpe__gpt2_table_end:
        .byte 0
        .section .note.GNU-stack, "", %progbits
