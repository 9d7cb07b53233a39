/* As it is in a build without libyaml. */
#include "watch/config.h"

int barrow_watch_config_load(struct barrow_watch_config *config, const char *path,
                             struct barrow_error *err)
{
    return barrow_watch_config_parse(config, NULL, 0, path, err);
}

int barrow_watch_config_parse(struct barrow_watch_config *config, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err)
{
    (void)config;
    (void)bytes;
    (void)count;
    return barrow_fail(err, BARROW_E_UNSUPPORTED,
                       "%.300s: barrow was built without libyaml: install PyYAML, or give "
                       "barrow.watch() a dict",
                       name);
}
