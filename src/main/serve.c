// parallelopedia serve: opens the apps, starts the server, waits for a signal, drains.

#include "main/cli.h"

#include "app/app.h"
#include "lm/engine.h"
#include "os/log.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

typedef struct serve_options {
    cli_common common;
    const char *ip, *log_level;
    int64_t port, threads, workers, compute_threads, listen_backlog, streams, queue, queue_client,
        grace_s;
    opt_list app_classes, gpt2, models, wiki;
    const char *wiki_index, *images, *panels, *quantize, *api_key, *api_key_file;
    int64_t wiki_cache, page_cache, memory, model_memory, context;
    bool build, calibrate;
    const char *data_dir, *wiki_xml_dir, *wiki_xml_name;
} serve_options;

#define AT(field) offsetof(serve_options, field)

static const opt options[] = {
    {"ip", OPT_STR, AT(ip), .arg = "ADDRESS", .about = "Address to listen on", .dflt = "127.0.0.1"},
    {"port", OPT_INT, AT(port), 0, 65535, .arg = "PORT",
     .about = "Port to listen on; 0 takes a free one", .dflt = "4444"},
    {"wiki", OPT_LIST, AT(wiki), .arg = "[NAME=]DUMP",
     .about =
         "MediaWiki XML dumps (.xml or .xml.bz2); the first is the default wiki, the same NAME "
         "again is an update over it"},
    {"wiki-index", OPT_STR, AT(wiki_index), .arg = "FILE",
     .about = "The first one's index. Default: beside the dump, NAME.xml.idx or NAME.xml.bz2.idx"},
    {"wiki-cache", OPT_INT, AT(wiki_cache), 1, 1 << 20, .arg = "MB",
     .about = "Unpacked text to keep, of each wiki", .dflt = "64"},
    {"page-cache", OPT_INT, AT(page_cache), 1, 1 << 20, .arg = "MB",
     .about = "Rendered articles to keep, of all wikis together", .dflt = "64"},
    {"images", OPT_STR, AT(images), .arg = "DIR",
     .about = "Folder of the pictures in articles, as DIR/Name.jpg or as MediaWiki keeps them "
              "(DIR/a/ab/Name.jpg). Default: boxes with their captions"},
    {"build", OPT_FLAG, AT(build), .dflt = "yes",
     .about = "Build a missing or stale index in the background, serving what is read so far; "
              "--no-build refuses such a wiki"},
    {"memory", OPT_INT, AT(memory), 64, 1 << 20, .arg = "MB",
     .about = "What that may hold in memory beside mapped files", .dflt = "512"},
    {"gpt2", OPT_LIST, AT(gpt2), .arg = "[NAME=]PATH[,TYPE]",
     .about = "GPT-2 checkpoints (.pt) or Hugging Face folders, held as f32, bf16, f16, int8 or "
              "int4 (default: as the file has them); the first is the default model"},
    {"model", OPT_LIST, AT(models), .arg = "[NAME=]PATH[,TYPE]",
     .about = "Models that clients may ask for: a Hugging Face folder or a GGUF file, or a folder "
              "of several of these. Loaded on first use"},
    {"quantize", OPT_STR, AT(quantize), .arg = "TYPE",
     .about = "int8 or int4: how to hold models that are not quantised and name no type"},
    {"context", OPT_INT, AT(context), 0, LM_BLOCK_MAX, .arg = "TOKENS",
     .about = "Context window of models, or as many as each can have; 0: a model's own, which for "
              "those with a longrope is the short one that they were trained with first",
     .dflt = "0"},
    {"model-memory", OPT_INT, AT(model_memory), 0, 1 << 24, .arg = "MB",
     .about = "What weights of --model may take at once; the one used least recently goes first. "
              "0: two thirds of the machine's memory",
     .dflt = "0"},
    {"api-key", OPT_STR, AT(api_key), .arg = "KEY",
     .about = "What clients of --model must send as \"Authorization: Bearer KEY\""},
    {"api-key-file", OPT_STR, AT(api_key_file), .arg = "FILE",
     .about = "The same, read from a file's first line, so that no list of processes shows it"},
    {"panels", OPT_STR, AT(panels), .arg = "DIR",
     .about = "Folder that keeps repacked weights for the next start"},
    {"calibrate", OPT_FLAG, AT(calibrate), .dflt = "yes",
     .about = "Measure the machine's memory and arithmetic at start, for /metrics"},
    {"app-classes", OPT_LIST, AT(app_classes), .arg = "APP",
     .about = "Which of plaintext, wiki, gpt2 to serve. Default: all whose data is present"},
    {"threads", OPT_INT, AT(threads), 0, 1024, .arg = "N",
     .about = "Event loops, each with its own listener; 0 is one per core", .dflt = "0"},
    {"workers", OPT_INT, AT(workers), 0, 1024, .arg = "N",
     .about = "Threads that search and render; 0 is two per core and two more", .dflt = "0"},
    {"compute-threads", OPT_INT, AT(compute_threads), 0, 1024, .arg = "N",
     .about = "Threads that generate text; 0 is one per core", .dflt = "0"},
    {"streams", OPT_INT, AT(streams), 1, LM_STREAMS_MAX, .arg = "N",
     .about = "Generations at once, at most 96; more wait", .dflt = "64"},
    {"queue", OPT_INT, AT(queue), 1, 65536, .arg = "N",
     .about = "Generations that may wait; more are refused with 503", .dflt = "256"},
    {"queue-client", OPT_INT, AT(queue_client), 0, 65536, .arg = "N",
     .about = "Of those that run or wait, how many one address may have; more are refused with "
              "429. 0: no limit, as behind a proxy all have one address",
     .dflt = "0"},
    {"listen-backlog", OPT_INT, AT(listen_backlog), 1, 65535, .arg = "N",
     .about = "Connections that may wait to be accepted, per loop", .dflt = "1024"},
    {"grace", OPT_INT, AT(grace_s), 0, 3600, .arg = "SECONDS",
     .about = "On SIGTERM, how long replies in flight may take to finish", .dflt = "30"},
    {"log-level", OPT_STR, AT(log_level), .arg = "LEVEL",
     .about = "DEBUG, INFO, WARNING, ERROR or CRITICAL", .dflt = "INFO"},
    {"data-dir", OPT_STR, AT(data_dir), .arg = "DIR",
     .about = "Where the original kept its data: --wiki and --gpt2 default to files in it"},
    {"wiki-xml-dir", OPT_STR, AT(wiki_xml_dir), .arg = "DIR",
     .about = "Folder of the dump named by --wiki-xml-name. Default: --data-dir"},
    {"wiki-xml-name", OPT_STR, AT(wiki_xml_name), .arg = "NAME",
     .about = "File name of the dump in that folder", .dflt = "enwiki-20150205-pages-articles.xml"},
    CLI_COMMON,
};

#define CHECKPOINT_NAME "model_19072.pt"  // what the original serves from its data folder

static bool is_there(const char *path) {
    return access(path, R_OK) == 0;
}

// Fills in --wiki and --gpt2 from the original's data folder, where files of its names stand.
static void default_data(app_options *a, const serve_options *o, char wiki[OS_PATH_MAX],
                         char gpt2[OS_PATH_MAX], const char *names[2]) {
    const char *xml_dir = o->wiki_xml_dir ? o->wiki_xml_dir : o->data_dir;
    if (a->n_wiki == 0 && xml_dir) {
        snprintf(wiki, OS_PATH_MAX, "%s/%s", xml_dir, o->wiki_xml_name);
        names[0] = wiki;
        if (is_there(wiki)) a->wiki = names, a->n_wiki = 1;
    }
    if (a->n_gpt2 == 0 && o->data_dir) {
        snprintf(gpt2, OS_PATH_MAX, "%s/" CHECKPOINT_NAME, o->data_dir);
        names[1] = gpt2;
        if (is_there(gpt2)) a->gpt2 = &names[1], a->n_gpt2 = 1;
    }
}

// --- Models and their key ----------------------------------------------------------------------

enum { KEY_MAX = 512 };

static status quantise(app_options *a, const char *name, err *e) {
    if (!name) return OK;
    a->quantises = kern_type_named(&a->quantise, str_of(name)) && kern_type_is_int(a->quantise);
    return a->quantises ? OK
                        : err_set(e, E_ARG, "--quantize \"%s\" is neither int8 nor int4", name);
}

// An empty key would let everybody in who sends none.
static status check_key(str key, const char *of, err *e) {
    if (key.len == 0 || key.len > KEY_MAX)
        return err_set(e, E_ARG, "%s: a key has 1 to %d bytes", of, KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] < '!' || key.ptr[i] > '~')
            return err_set(e, E_ARG, "%s: a key is of ASCII characters without spaces", of);
    return OK;
}

static status read_key(app_options *a, const serve_options *o, char room[KEY_MAX + 1], err *e) {
    if (o->api_key && o->api_key_file)
        return err_set(e, E_ARG, "--api-key and --api-key-file: one of them");
    a->api_key = str_of(o->api_key ? o->api_key : "");
    if (o->api_key) return check_key(a->api_key, "--api-key", e);
    if (!o->api_key_file) return OK;
    os_map map;
    TRY(os_map_open(&map, o->api_key_file, OS_MAP_SEQUENTIAL, e));
    str text = os_map_str(&map);
    str key = str_trim(str_cut(&text, '\n'));
    status st = check_key(key, "--api-key-file", e);
    if (!st) a->api_key = (str){memcpy(room, key.ptr, key.len), key.len};
    os_map_close(&map);
    return st;
}

// Waits for SIGINT or SIGTERM, which all threads have blocked.
static int wait_for_signal(const sigset_t *set) {
    int sig = 0;
    while (sigwait(set, &sig) != 0) {
    }
    return sig;
}

static void serve_until_signal(http_server *server, const serve_options *o, const sigset_t *set) {
    bool is_v6 = strchr(o->ip, ':') != NULL;
    printf("listening on http://%s%s%s:%d\n", is_v6 ? "[" : "", o->ip, is_v6 ? "]" : "",
           http_server_port(server));
    fflush(stdout);
    int sig = wait_for_signal(set);
    log_info("serve", "%s: stopping, replies in flight have %lld s", strsignal(sig),
             (long long)o->grace_s);
    // A second signal ends the process at once.
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    int n_cut = http_server_drain(server, (int)(o->grace_s * 1000));
    if (n_cut)
        log_warning("serve", "%d connections cut after %lld s", n_cut, (long long)o->grace_s);
}

static int serve(app_set *apps, const serve_options *o, const sigset_t *set) {
    http_config c = {
        .ip = o->ip,
        .port = (int)o->port,
        .n_loops = (int)o->threads,
        .n_workers = (int)o->workers,
        .backlog = (int)o->listen_backlog,
        .routes = apps->routes,
        .n_routes = apps->n_routes,
    };
    http_server *server;
    err e = {0};
    if (http_server_open(&server, &c, &e)) return cli_fail(CLI_FAILED, "serve: %s", e.msg);
    atomic_store(&apps->server, server);
    serve_until_signal(server, o, set);
    http_server_close(server);
    return CLI_OK;
}

static int run(void *opts, const opt_list *rest) {
    (void)rest;
    const serve_options *o = opts;
    os_log_level level;
    if (!os_log_level_parse(&level, str_of(o->log_level)))
        return cli_fail(CLI_USAGE,
                        "serve: --log-level \"%s\" is none of DEBUG, INFO, WARNING, "
                        "ERROR, CRITICAL",
                        o->log_level);
    os_log_set_level(level);

    sigset_t set;  // blocked before the first thread starts, so that only sigwait sees them
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);

    char wiki[OS_PATH_MAX], gpt2[OS_PATH_MAX];
    const char *names[2];
    app_options a = {
        .wiki = o->wiki.items,
        .n_wiki = o->wiki.n,
        .wiki_index = o->wiki_index,
        .wiki_cache = (size_t)o->wiki_cache << 20,
        .page_cache = (size_t)o->page_cache << 20,
        .images = o->images,
        .wiki_memory = (size_t)o->memory << 20,
        .wiki_builds = o->build,
        .gpt2 = o->gpt2.items,
        .n_gpt2 = o->gpt2.n,
        .n_compute = (int)o->compute_threads,
        .streams_max = (int)o->streams,
        .queue_max = (int)o->queue,
        .client_max = (int)(o->queue_client ? o->queue_client : o->streams + o->queue),
        .models = o->models.items,
        .context = (int)o->context,
        .n_models = o->models.n,
        .model_memory = (size_t)o->model_memory << 20,
        .panels = o->panels,
        .calibrates = o->calibrate,
    };
    default_data(&a, o, wiki, gpt2, names);
    static app_set apps;
    err e = {0};
    char key[KEY_MAX + 1];
    if (quantise(&a, o->quantize, &e) || read_key(&a, o, key, &e))
        return cli_fail(CLI_USAGE, "serve: %s", e.msg);
    if (app_set_open(&apps, &a, o->app_classes.items, o->app_classes.n, &e))
        return cli_fail(CLI_USAGE, "serve: %s", e.msg);
    int code = serve(&apps, o, &set);
    app_set_close(&apps);
    return code;
}

const cli_command cli_serve = {
    .table =
        {
            .command = "serve",
            .about = "Serve the page, a wiki and GPT-2 over HTTP.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(serve_options),
    .run = run,
};
