#!/usr/bin/env bash
# Makes clip.asf, the test picture of `stream-pump demo`: 20 seconds of Windows
# Media Video 8 and Audio 8, looped as a live stream by the pump.
#
#   demo/make-clip.sh [OUTPUT]
#
# What matters to the pump:
#   - the first video frame is a key frame and lies in the first packet, and a
#     key frame follows every 2 seconds, so that a viewer joins quickly;
#   - sound and picture are equally long, so that the loop point is not heard;
#   - below 1 MB, because the clip is embedded in the binary;
#   - the same ffmpeg gives the same bytes (bitexact), so that a rebuilt clip
#     that differs tells of a change in this script.
#
# What matters to people: the clock shows that it runs, and each second a
# square lights up exactly while a short tone is heard, so that a player whose
# sound is out of step with its picture is found out at once.
set -euo pipefail

out=${1:-$(dirname "$0")/clip.asf}
seconds=20
size=320x240

command -v ffmpeg >/dev/null || { echo "make-clip: ffmpeg is not installed" >&2; exit 1; }

# Text needs ffmpeg's drawtext filter and a font. Without them the picture has
# its bars, marker and light, and no words.
text=""
font=""
for f in /usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf \
         /usr/share/fonts/TTF/DejaVuSans-Bold.ttf \
         /usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf; do
  [ -f "$f" ] && { font=$f; break; }
done
if [ -n "$font" ] && ffmpeg -hide_banner -filters 2>/dev/null | grep ' drawtext ' >/dev/null; then # not -q: its early exit would be a broken pipe
  text=",drawtext=fontfile=$font:text='Stream Pump':fontsize=34:fontcolor=white:x=(w-tw)/2:y=40"
  text+=",drawtext=fontfile=$font:text='built-in test stream':fontsize=13:fontcolor=0xb8d4e3:x=(w-tw)/2:y=82"
  text+=",drawtext=fontfile=$font:text='%{pts\\:hms}':fontsize=26:fontcolor=0xffd166:x=(w-192)/2:y=124"
else
  echo "make-clip: no font or no drawtext filter: the clip will have no words" >&2
fi

# Eight colour bars along the foot of the picture.
bars=""
x=16
for c in 0xe8e8e8 0xe8d020 0x20c8d8 0x30b850 0xc840b8 0xd83838 0x3050d0 0x181818; do
  bars+=",drawbox=x=$x:y=180:w=36:h=36:color=$c:t=fill"
  x=$((x + 36))
done

# The light of the second, 120 ms long like the tone.
light=",drawbox=x=286:y=16:w=18:h=18:color=0x26455f:t=fill"
light+=",drawbox=x=286:y=16:w=18:h=18:color=0xffd166:t=fill:enable='lt(mod(t,1),0.12)'"

# A marker walks along the bars, there and back in 4 seconds: jerks are seen.
ffmpeg -nostdin -loglevel error -y \
  -f lavfi -i "color=c=black:s=$size:r=25:d=$seconds" \
  -f lavfi -i "color=c=white:s=8x44:r=25:d=$seconds" \
  -f lavfi -i "aevalsrc='0.25*sin(2*PI*880*t)*lt(mod(t,1),0.12)*sin(PI*min(mod(t,1)/0.12,1))+0.02*sin(2*PI*220*t)':s=44100:d=$seconds" \
  -filter_complex "
    [0:v]format=rgb24,geq=r='12+10*Y/H':g='34+34*Y/H':b='58+52*Y/H'$bars$light$text[board];
    [board][1:v]overlay=x='16+140*(1-cos(2*PI*t/4))':y=176:shortest=1,format=yuv420p[v]" \
  -map '[v]' -map 2:a -t "$seconds" \
  -c:v wmv2 -b:v 230k -maxrate 400k -bufsize 400k -g 50 -sc_threshold 1000000000 \
  -c:a wmav2 -b:a 48k -ac 1 \
  -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 \
  -metadata title="Stream Pump test stream" \
  -threads 1 -packet_size 3200 -f asf "$out"

echo "make-clip: $out, $(stat -c %s "$out") bytes"
