#include "export/text.h"

#include <stdlib.h>

#include "base/utf8.h"

void barrow_export_text(FILE *to, const char *name, char special, const char *stand_in)
{
    while (*name) {
        uint32_t c = 0;
        size_t plain = 0;
        while (name[plain] >= 0x20 && name[plain] < 0x7f && name[plain] != special)
            plain++;
        fwrite(name, 1, plain, to);
        name += plain;
        if (!*name)
            return;
        size_t length = barrow_utf8_decode(name, &c);
        if (*name == special)
            fputs(stand_in, to);
        else if (length == 0)
            fprintf(to, "\\x%02x", (unsigned char)*name);
        else if (barrow_utf8_is_surrogate(c))
            fprintf(to, "\\u%04x", c);
        else if (barrow_utf8_is_control(c))
            fprintf(to, "\\x%02x", c);
        else
            fwrite(name, 1, length, to);
        name += length ? length : 1;
    }
}

static bool is_clean(const char *name)
{
    while (*name) {
        uint32_t c = 0;
        size_t length = barrow_utf8_decode(name, &c);
        if (length == 0 || barrow_utf8_is_surrogate(c) || barrow_utf8_is_control(c))
            return false;
        name += length;
    }
    return true;
}

const char *barrow_export_utf8(const char *name, char **copy)
{
    size_t length;

    *copy = NULL;
    if (is_clean(name))
        return name;
    FILE *to = open_memstream(copy, &length);
    if (!to)
        return NULL;
    barrow_export_text(to, name, '\0', "");
    if (fclose(to) != 0) {
        free(*copy);
        *copy = NULL;
    }
    return *copy;
}

void barrow_export_put_text(struct barrow_json *json, const char *key, const char *text)
{
    char *copy = NULL;

    barrow_json_key(json, key);
    barrow_json_string(json, text ? barrow_export_utf8(text, &copy) : NULL);
    free(copy);
}
