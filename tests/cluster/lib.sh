# Shared by up, down and run: where things are, and how the binaries come about.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/release-cockpit/cluster

version_of() { sed -nE "s|^(require)?[[:space:]]*$2 (v[0-9.]+).*|\\2|p" "$here/$1/go.mod" | head -n 1; }
kubernetes_version=$(version_of kubernetes k8s.io/kubernetes)
etcd_version=$(version_of etcd go.etcd.io/etcd/server/v3)
rollouts_version=$(version_of rollouts github.com/argoproj/argo-rollouts)
kwok_version=v0.8.0
alertmanager_version=v0.28.1

# Definitions of other people's resources: name, module, version, where they are in it.
crd_sources='gateway-api sigs.k8s.io/gateway-api v1.6.3 config/crd/standard/*_*routes.yaml config/crd/standard/*_gateway*.yaml
istio istio.io/api v1.31.1 kubernetes/customresourcedefinitions.gen.yaml
traefik github.com/traefik/traefik/v3 v3.7.13 docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml
argo-rollouts github.com/argoproj/argo-rollouts '"$rollouts_version"' manifests/crds/*-crd.yaml
argo-cd github.com/argoproj/argo-cd/v3 v3.5.7 manifests/crds/*-crd.yaml'

say() { printf '%s\n' "cluster: $*" >&2; }

die() {
    say "$@"
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is needed and not in PATH"
    done
}

# go_build NAME VERSION MODULE PACKAGE LDFLAGS NOTE: prints the path of the binary, built once.
go_build() {
    local name=$1 version=$2 module=$3 package=$4 ldflags=$5 note=$6
    local target=$cache/${module:-$name}-$version/$name
    if [[ ! -x $target ]]; then
        need_go "$name" "$version" "$target"
        local directory log started=$SECONDS
        directory=$(dirname "$target")
        mkdir -p "$directory"
        log=$directory/$name.log
        exec 9>"$directory/lock"
        if command -v flock >/dev/null; then flock 9; fi
        # somebody else may have built it while this one waited
        if [[ ! -x $target ]]; then
            say "building $name $version (once$note) …"
            local temporary
            temporary=$(mktemp -d "$directory/build.XXXXXX")
            local -a flags=(-p "${RELEASE_COCKPIT_TEST_BUILD_JOBS:-2}" -trimpath -buildvcs=false -ldflags "-s -w $ldflags")
            local ok=true
            if [[ -n $module ]]; then
                (cd "$here/$module" && GOFLAGS='' CGO_ENABLED=0 go build "${flags[@]}" -o "$temporary/$name" "$package") >"$log" 2>&1 || ok=false
            else
                (cd / && GOFLAGS='' CGO_ENABLED=0 GOBIN=$temporary go install "${flags[@]}" "$package@$version") >"$log" 2>&1 || ok=false
            fi
            if [[ $ok == false ]]; then
                rm -rf "$temporary"
                tail -n 20 "$log" >&2
                die "building $name $version failed; the whole log is $log"
            fi
            mv "$temporary/$name" "$target"
            rm -rf "$temporary" "$log"
            say "built $name $version in $((SECONDS - started)) s"
        fi
        exec 9>&-
    fi
    printf '%s\n' "$target"
}

need_go() {
    command -v go >/dev/null && return
    cat >&2 <<END
cluster: $1 $2 is not there and cannot be built, because Go is not installed. Any of these helps:
  - install Go 1.26 or newer (https://go.dev/dl) and start again: everything is built from source, once
  - put the binary at $3
  - for etcd, kube-apiserver and kubectl: set KUBEBUILDER_ASSETS to a directory that has them,
    as "setup-envtest use -p path" prints it
END
    exit 1
}

# asset NAME: the binary of that name under KUBEBUILDER_ASSETS
asset() {
    [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]] && printf '%s\n' "$KUBEBUILDER_ASSETS/$1"
}

etcd_binary() {
    asset etcd || go_build etcd "$etcd_version" etcd go.etcd.io/etcd/server/v3 '' ''
}

kubernetes_binary() {
    local name=$1 note=${2:-} package ldflags='' minor=${kubernetes_version#v1.}
    asset "$name" && return
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        ldflags+=" -X $package.gitVersion=$kubernetes_version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*} -X $package.gitTreeState=clean"
    done
    go_build "$name" "$kubernetes_version" kubernetes "k8s.io/kubernetes/cmd/$name" "$ldflags" "$note"
}

kubectl_binary() {
    asset kubectl || command -v kubectl || kubernetes_binary kubectl
}

kwok_binary() {
    go_build kwok "$kwok_version" '' sigs.k8s.io/kwok/cmd/kwok '' ''
}

alertmanager_binary() {
    command -v alertmanager || go_build alertmanager "$alertmanager_version" '' github.com/prometheus/alertmanager/cmd/alertmanager '' ''
}

rollouts_binary() {
    go_build rollouts-controller "$rollouts_version" rollouts github.com/argoproj/argo-rollouts/cmd/rollouts-controller '' ', about 5 minutes on two cores'
}

# Prometheus comes from PATH, or out of Debian's package (unpacked, not installed: no service, no root).
prometheus_binary() {
    if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
        command -v prometheus
        return
    fi
    local target=$cache/prometheus/prometheus temporary
    if [[ ! -x $target || ! -x $cache/prometheus/promtool ]]; then
        if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
            die "prometheus and promtool are neither in PATH nor in $cache/prometheus, and there is no apt-get to fetch Debian's package with"
        fi
        say "fetching prometheus (once) …"
        mkdir -p "$cache/prometheus"
        temporary=$(mktemp -d "$cache/prometheus/build.XXXXXX")
        if ! (cd "$temporary" && apt-get -qq -o APT::Sandbox::User=root download prometheus) >"$temporary/log" 2>&1; then
            # the package lists may be missing or old
            if ((EUID != 0)) || ! (apt-get -qq update && cd "$temporary" && apt-get -qq -o APT::Sandbox::User=root download prometheus) >>"$temporary/log" 2>&1; then
                cat "$temporary/log" >&2
                rm -rf "$temporary"
                die 'apt-get cannot download prometheus: "apt-get update" may help, or a prometheus and promtool in PATH'
            fi
        fi
        dpkg-deb -x "$temporary"/prometheus_*.deb "$temporary/package"
        mv "$temporary/package/usr/bin/promtool" "$cache/prometheus/promtool"
        mv "$temporary/package/usr/bin/prometheus" "$target"
        rm -rf "$temporary"
    fi
    printf '%s\n' "$target"
}

# crd_directory: a directory with one file of definitions for each of the sources
crd_directory() {
    local target=$cache/crds name module version patterns directory temporary
    target+=-$(cksum <<<"$crd_sources" | cut -d ' ' -f 1)
    if [[ ! -d $target ]]; then
        need_go 'definitions of resources' '' "$target"
        say "fetching the resource definitions of others (once) …"
        mkdir -p "$cache"
        temporary=$(mktemp -d "$cache/crds.XXXXXX")
        chmod 755 "$temporary"
        while read -r name module version patterns; do
            directory=$(cd / && GOFLAGS='' go mod download -json "$module@$version" | sed -nE 's/^\s*"Dir": "(.*)",$/\1/p') ||
                die "$module $version cannot be downloaded"
            # shellcheck disable=SC2086 # patterns are to be expanded
            (cd "$directory" && for file in $patterns; do echo '---' && cat "$file"; done) >"$temporary/$name.yaml"
        done <<<"$crd_sources"
        mv -T "$temporary" "$target" 2>/dev/null || rm -rf "$temporary" # somebody else was faster
    fi
    printf '%s\n' "$target"
}

# The traffic generator is an example of this very project.
traffic_binary() {
    if [[ -n ${RELEASE_COCKPIT_TEST_TRAFFIC_BIN:-} ]]; then
        printf '%s\n' "$RELEASE_COCKPIT_TEST_TRAFFIC_BIN"
        return
    fi
    need cargo
    (cd "$root" && cargo build --quiet --locked --example traffic >&2) || die 'building the traffic generator failed'
    printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}/debug/examples/traffic"
}

# free_port: a port of 127.0.0.1 that nobody listens on, below the range of outgoing connections, and claimed
# against other control planes that come up at the same moment.
free_port() {
    local claims=$cache/ports port claim
    mkdir -p "$claims"
    while true; do
        port=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
        claim=$claims/$port
        if [[ -e $claim && ! -d $(cat "$claim" 2>/dev/null) ]]; then rm -f "$claim"; fi
        if (set -o noclobber && printf '%s\n' "$state" >"$claim") 2>/dev/null; then
            if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
                printf '%s\n' "$port"
                return
            fi
            rm -f "$claim"
        fi
    done
}

# process_is_ours PID STATE: whether the process still is one that was started for this state directory
process_is_ours() {
    [[ $(ps -ww -o args= -p "$1" 2>/dev/null) == *"$2"* ]]
}

# take_down STATE: ends the processes that were recorded there, the last started first
take_down() {
    local state=$1 file pid
    local -a pids=()
    for file in $(find "$state/pids" -type f 2>/dev/null | sort -r); do
        pid=$(cat "$file")
        if process_is_ours "$pid" "$state"; then
            # nothing of it is kept, so none gets the time to drain; etcd as the last
            kill -KILL "$pid" 2>/dev/null || true
            pids+=("$pid")
        fi
    done
    for pid in "${pids[@]}"; do
        while process_is_ours "$pid" "$state"; do sleep 0.02; done
    done
    for file in "$cache"/ports/*; do
        if grep -qxF -- "$state" "$file" 2>/dev/null; then rm -f "$file"; fi
    done
}
