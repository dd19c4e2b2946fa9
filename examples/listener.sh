#!/bin/sh
# An event listener in shell: says on its stderr which programs ended without being asked to.
#
#   [eventlistener:ends]
#   command=sh listener.sh
#   events=PROCESS_STATE_EXITED
#   payload_length=bytes
#
# Its stdout is for its answers alone; whatever else it has to say goes to stderr. The header's last
# word is the payload's length. By default that counts characters, as in Supervisor; here it is
# asked for in bytes, which `head -c` counts.

printf 'READY\n'
while read -r header; do
    payload=$(head -c "${header##*len:}")
    for word in $payload; do
        case $word in
            processname:*) name=${word#*:} ;;
            expected:*) expected=${word#*:} ;;
        esac
    done
    if [ "$expected" = 0 ]; then
        echo "$name ended unexpectedly" >&2
    fi
    # 'RESULT 4\nFAIL' instead would have the event sent again.
    printf 'RESULT 2\nOKREADY\n'
done
