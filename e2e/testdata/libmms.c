/*
 * Takes a stream with libmms, as GStreamer, Kodi and MPD do, and writes it to a
 * file: the header and a number of whole data packets.
 *
 *   libmms mmsh|mmsx URL PACKETS FILE
 *
 * mmsh is the HTTP half of the library; mmsx is what players call: it takes
 * mms:// too and chooses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmms/mmsh.h>
#include <libmms/mmsx.h>

/* The bandwidth that players tell: more than any stream has, in bits/s. */
static const int bandwidth = 128 * 1024 * 1024;

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: libmms mmsh|mmsx URL PACKETS FILE\n");
        return 2;
    }
    int plain = strcmp(argv[1], "mmsh") == 0;
    mmsh_t *h = NULL;
    mmsx_t *x = NULL;
    if (plain)
        h = mmsh_connect(NULL, NULL, argv[2], bandwidth);
    else
        x = mmsx_connect(NULL, NULL, argv[2], bandwidth);
    if (!h && !x) {
        fprintf(stderr, "libmms: cannot connect to %s\n", argv[2]);
        return 1;
    }
    long header = plain ? (long)mmsh_get_asf_header_len(h) : (long)mmsx_get_asf_header_len(x);
    long packet = plain ? (long)mmsh_get_asf_packet_len(h) : (long)mmsx_get_asf_packet_len(x);
    int seekable = plain ? mmsh_get_seekable(h) : mmsx_get_seekable(x);
    long left = header + atol(argv[3]) * packet;
    fprintf(stderr, "libmms: header %ld, packets of %ld, seekable %d\n", header, packet, seekable);

    FILE *out = fopen(argv[4], "wb");
    char *buffer = malloc(packet > 0 ? packet : 1);
    if (!out || !buffer || header <= 0 || packet <= 0) {
        fprintf(stderr, "libmms: no file, or no header\n");
        return 1;
    }
    while (left > 0) {
        int want = left < packet ? (int)left : (int)packet;
        int n = plain ? mmsh_read(NULL, h, buffer, want) : mmsx_read(NULL, x, buffer, want);
        if (n <= 0) {
            fprintf(stderr, "libmms: the stream ends, %ld bytes are missing\n", left);
            return 1;
        }
        if (fwrite(buffer, 1, n, out) != (size_t)n) {
            fprintf(stderr, "libmms: cannot write\n");
            return 1;
        }
        left -= n;
    }
    if (fclose(out) != 0)
        return 1;
    free(buffer);
    if (plain)
        mmsh_close(h);
    else
        mmsx_close(x);
    return 0;
}
