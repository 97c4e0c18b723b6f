// OpenAI's client for Node against the server on port argv[2]; says what went well, line by line.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const baseURL = `http://127.0.0.1:${process.argv[2]}/v1`;
const client = new OpenAI({ baseURL, maxRetries: 0 });
const base = { model: 'tiny', messages: [{ role: 'user', content: 'Hello' }], seed: 1, max_tokens: 12 };
const chat = (more) => client.chat.completions.create({ ...base, ...more });

const models = await client.models.list();
assert.deepEqual(models.data.map((m) => m.id), ['tiny']);
console.log('models');

const whole = await chat({});
assert.equal(whole.choices[0].message.role, 'assistant');
assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
console.log('chat');

let said = '';
let usage;
for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
  said += chunk.choices[0]?.delta.content ?? '';
  usage = chunk.usage;
}
assert.equal(said, whole.choices[0].message.content);
assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
console.log('stream');

const long = await chat({ stream: true, max_tokens: 4000, ignore_eos: true });
for await (const chunk of long) {
  assert.ok(chunk.id);
  break; // aborts the request
}
assert.ok(long.controller.signal.aborted);
console.log('cancel');

const text = await client.completions.create({ model: 'tiny', prompt: 'One', max_tokens: 5, echo: true });
assert.ok(text.choices[0].text.startsWith('One'));
console.log('completion');

const logs = await chat({ logprobs: true, top_logprobs: 2 });
assert.equal(logs.choices[0].logprobs.content.length, logs.usage.completion_tokens);
console.log('logprobs');

const schema = {
  type: 'object',
  required: ['ok'],
  additionalProperties: false,
  properties: { ok: { type: 'boolean' } },
};
const formed = await chat({
  max_tokens: 2000,
  response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } },
});
assert.equal(typeof JSON.parse(formed.choices[0].message.content).ok, 'boolean');
console.log('schema');

const tools = [{ type: 'function', function: { name: 'look', parameters: schema } }];
const called = await chat({ tools, tool_choice: 'required', max_tokens: 2000 });
const [call] = called.choices[0].message.tool_calls;
assert.equal(call.function.name, 'look');
assert.equal(typeof JSON.parse(call.function.arguments).ok, 'boolean');
console.log('tools');

const vectors = await client.embeddings.create({ model: 'tiny', input: ['One', 'Two'] });
assert.equal(vectors.data.length, 2);
assert.ok(Math.abs(vectors.data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-4);
console.log('embedding');

await assert.rejects(chat({ model: 'gpt-9' }), (e) => e.status === 404 && e.code === 'model_not_found');
await assert.rejects(chat({ n: 0 }), (e) => e.status === 400 && e.param === 'n');
const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
await assert.rejects(stranger.models.list(), (e) => e.status === 401);
console.log('errors');
