#!/usr/bin/env bash
# The demo of "make demo" and "make demo-stop": a server on loopback, and the
# guestbook on it, with Docker if an engine answers, else as processes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
demo=$root/.demo
gowanus=$root/bin/gowanus

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

fetch() { # URL: the body, over bare bash so that the demo needs no curl
	local address=${1#http://}
	local host=${address%%/*}
	exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || return 1
	printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$host" >&3
	sed '1,/^\r$/d' <&3
	exec 3>&-
}

server_pid() { # the pid of the demo's server, if it runs
	local pid
	pid=$(cat "$demo/pid" 2>/dev/null) || return 1
	case $(readlink "/proc/$pid/exe" 2>/dev/null) in
	"$gowanus" | "$gowanus (deleted)") echo "$pid" ;; # deleted: built anew since
	*) return 1 ;;
	esac
}

export GOWANUS_SERVER GOWANUS_ADMIN_PASSWORD

start() {
	if server_pid >/dev/null; then
		say "The demo runs already at $(cat "$demo/url"). Stop it with: make demo-stop"
		return
	fi
	mkdir -p "$demo/bin"
	chmod 700 "$demo"
	[ -s "$demo/password" ] || head -c 18 /dev/urandom | base64 >"$demo/password"
	GOWANUS_ADMIN_PASSWORD=$(cat "$demo/password")

	local blueprint=$demo/blueprint.yaml config=()
	if timeout 5 docker version --format ok >/dev/null 2>&1; then
		say "A Docker engine answers: building the images"
		"$here/images.sh"
		cp "$here/docker.yaml" "$blueprint"
		config=(--config "$here/server.yaml")
	else
		say "No Docker engine answers: the services will be processes of this machine"
		(cd "$here" && go build -trimpath -o "$demo/bin/" ./store ./counter ./web)
		sed "s|guestbook.bin: .*|guestbook.bin: \"$demo/bin\"|" "$here/blueprint.yaml" >"$blueprint"
	fi

	say "Starting the server"
	setsid "$gowanus" serve --listen 127.0.0.1:0 --data-dir "$demo/data" "${config[@]}" >"$demo/server.log" 2>&1 </dev/null &
	echo $! >"$demo/pid"
	until sed -n 's/^listening on //p' "$demo/server.log" | grep . >"$demo/url"; do
		kill -0 $! 2>/dev/null || { tail "$demo/server.log" >&2; exit 1; }
		sleep 0.1
	done
	GOWANUS_SERVER=$(cat "$demo/url")
	echo "It listens on $GOWANUS_SERVER"

	say "Deploying $blueprint"
	"$gowanus" deploy --wait --id guestbook "$blueprint" || {
		say "That failed. The server's log is $demo/server.log; make demo-stop stops the server" >&2
		exit 1
	}

	say "Its page, at http://127.0.0.1:18082"
	local page
	for _ in $(seq 50); do
		page=$(fetch http://127.0.0.1:18082/ 2>/dev/null) && [ -n "$page" ] && break
		sleep 0.1
	done
	sed -e 's/<[^>]*>//g' -e '/^[[:space:]]*$/d' -e 's/^/    /' <<<"$page"

	say "Look further"
	cat <<-END
	    export GOWANUS_SERVER=$GOWANUS_SERVER GOWANUS_ADMIN_PASSWORD=\$(cat .demo/password)
	    bin/gowanus tree guestbook
	    curl -u admin:\$GOWANUS_ADMIN_PASSWORD \$GOWANUS_SERVER/v1/applications
	    kill the process or container of the page: it is started again
	    make demo-stop        deletes the guestbook and stops the server
	END
}

stop() {
	local pid
	if ! pid=$(server_pid); then
		echo "the demo does not run"
		return
	fi
	GOWANUS_ADMIN_PASSWORD=$(cat "$demo/password")
	GOWANUS_SERVER=$(cat "$demo/url")
	local status=0
	"$gowanus" delete --wait guestbook || status=$?
	if [ $status != 0 ] && [ $status != 4 ]; then # 4: there is none
		say "The guestbook is not deleted. The server goes on; its log is $demo/server.log" >&2
		exit 1
	fi
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	rm -r "$demo"
	echo "the server is stopped"
}

case ${1:-} in
start | stop) "$1" ;;
*) echo "usage: demo.sh start|stop" >&2; exit 2 ;;
esac
