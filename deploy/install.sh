#!/bin/sh
# Install or upgrade Confab on this machine, from the checkout that contains this file. `deploy/install.sh --help` explains it.
#
# Each version is installed into a folder of its own, and `current` is a link to the version that serves. Nothing that serves
# changes before the new version is complete and the database is migrated. So a failed run changes nothing, and can be repeated.
set -eu

usage() {
    cat <<'END'
usage: deploy/install.sh [OPTION...] [STEP...]

The steps, in order. Without a STEP: all of them, and `service` only where systemd runs.
  account   create the account and the state folder
  code      copy this version to PREFIX/releases, with a virtual environment of its own
  settings  write the file of settings with generated secrets, unless it exists
  database  migrate the database (flask db upgrade), and make this version the current one
  service   install, enable and restart the unit for systemd
  compose   only if it is named: write deploy/.env for deploy/compose.yaml, like the step settings

  --prefix DIR       the folder of the code (/opt/confab)
  --user NAME        the account that serves (confab)
  --uid NUMBER       its number, if it is created; for images, whose volumes keep numbers
  --state DIR        the folder of database, uploads and metrics (/var/lib/confab)
  --settings FILE    the file of environment variables (/etc/confab/confab.env)
  --public-url URL   the address of the installation, https://chat.example.com; a new file of settings needs it
  --units DIR        the folder of systemd's units (/etc/systemd/system)

The variable PYTHON names another Python than that of the system: PYTHON=/opt/python3.13/bin/python3.13 deploy/install.sh
END
}

say() { echo "confab: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

absolute() {
    case $2 in
    /*) case $2 in
        *[!A-Za-z0-9._/-]*) fail "$1 $2: use only letters, digits and . _ - / in the path" ;;
        esac ;;
    *) fail "$1 $2: write an absolute path, such as $PWD/$2" ;;
    esac
}

source=$(cd "$(dirname "$0")/.." && pwd -P)
prefix=/opt/confab user=confab state=/var/lib/confab settings=/etc/confab/confab.env units=/etc/systemd/system public_url='' uid='' steps=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --prefix | --user | --uid | --state | --settings | --units | --public-url)
        [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 needs a value: deploy/install.sh --help lists the options"
        case $1 in
        --prefix) absolute "$1" "$2" && prefix=$2 ;;
        --user) user=$2 ;;
        --uid) uid=$2 ;;
        --state) absolute "$1" "$2" && state=$2 ;;
        --settings) absolute "$1" "$2" && settings=$2 ;;
        --units) absolute "$1" "$2" && units=$2 ;;
        --public-url) public_url=$2 ;;
        esac
        shift
        ;;
    account | code | settings | database | service | compose) steps="$steps $1" ;;
    *) fail "$1 is neither an option nor a step: deploy/install.sh --help lists them" ;;
    esac
    shift
done
if [ -z "$steps" ]; then
    steps='account code settings database'
    [ ! -d /run/systemd/system ] || steps="$steps service"
fi
case $uid in
*[!0-9]*) fail "--uid $uid: write a number, such as 900" ;;
esac
case $user in
'' | *[!a-z0-9_-]*) fail "--user $user: use lower-case letters, digits, - and _" ;;
esac

# Only what the server needs; no tests, and nothing that the checkout's owner keeps there. The name of a release contains a hash of
# its files, so that the same code is never installed twice.
contents="LICENSE backend deploy docs/examples docs/realtime.schema.json migrations requirements.txt requirements-sentry.txt"
contents="$contents $(cd "$source" && echo ./*.py)"

files() {
    # shellcheck disable=SC2086 # the names have no spaces
    (cd "$source" && find $contents -type f ! -path '*/__pycache__/*' ! -name .env | LC_ALL=C sort)
}

release_name() {
    version=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' "$source/backend/settings.py")
    hash=$( (cd "$source" && files | tr '\n' '\0' | xargs -0 sha256sum) | sha256sum | cut -c 1-12)
    echo "${version:?backend/settings.py has no VERSION}-$hash"
}

# The code belongs to whoever installs, and the account can only read it.
install_code() {
    mkdir -p "$prefix/releases"
    if [ -e "$release/.complete" ]; then
        touch "$release"
    else
        say "installing $release"
        rm -rf "$release"
        mkdir "$release"
        files | tar -C "$source" -cf - -T - | tar -C "$release" -xof -
        PYTHON=$(choose_python) "$release/deploy/make-venv.sh" "$release/.venv"
        check_python
        install_requirements requirements.txt
        "$release/.venv/bin/python" -m compileall -q "$release/backend" "$release/migrations" "$release"/*.py
        touch "$release/.complete"
    fi
    ln -sfn "$settings" "$release/.env" # the server and the `flask` command read this file
    [ -e "$current" ] || ln -sfn "$release" "$current"
    write_command
}

# PREFIX/flask runs the command of the current version as the account: files that root made in the state folder would be closed to it.
write_command() {
    cat >"$prefix/flask" <<END
#!/bin/sh
cd $current || exit 1
[ "\$(id -un)" = $user ] || exec runuser -u $user -- .venv/bin/flask "\$@"
exec .venv/bin/flask "\$@"
END
    chmod 755 "$prefix/flask"
}

# The system's Python comes first: the account cannot run one that is in the home folder of whoever installs.
choose_python() {
    for candidate in ${PYTHON:+"$PYTHON"} /usr/bin/python3 /usr/local/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
        candidate=python3
    done
    echo "${PYTHON:-$candidate}"
}

check_python() {
    id "$user" >/dev/null 2>&1 || return 0 # an image gets its account later
    as_account "$release/.venv/bin/python" -c '' 2>/dev/null ||
        fail "the account $user cannot run $(readlink -f "$release/.venv/bin/python"):" \
            "install python3-venv, or name another Python: PYTHON=/path/to/python3.11 deploy/install.sh"
}

install_requirements() {
    "$release/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$release/$1" || fail "pip could not install $1: read its lines above, then run this command again"
}

create_account() {
    if ! id "$user" >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] || fail "the account $user does not exist: run this command as root, or add --user $(id -un)"
        say "creating the account $user"
        useradd --system ${uid:+--uid "$uid"} --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    mkdir -p "$state"
    chmod 700 "$state"
    [ "$(id -un)" = "$user" ] || chown "$user:$(id -gn "$user")" "$state" ||
        fail "$state must belong to $user: run this command as root, or add --user $(id -un)"
}

secret() { "$(choose_python)" -c 'import secrets; print(secrets.token_urlsafe(48))'; }

write_compose_settings() {
    settings=$source/deploy/.env
    [ ! -e "$settings" ] || return 0
    write_settings
    echo "POSTGRES_PASSWORD=$(secret)" >>"$settings"
}

write_settings() {
    [ ! -e "$settings" ] || return 0
    case $public_url in
    *[!A-Za-z0-9.:/_~%-]* | '') fail "$settings does not exist yet: add --public-url https://chat.example.com, with your own name" ;;
    http://* | https://*) ;;
    *) fail "--public-url $public_url: begin it with https://" ;;
    esac
    say "writing $settings, with generated secrets"
    mkdir -p "$(dirname "$settings")"
    draft=$settings.$$
    trap 'rm -f "$draft"' EXIT
    (
        umask 077
        cat >"$draft" <<END
# The settings of Confab. docs/configuration.md explains every variable. A comment is a line of its own.
APP_ENV=production
PUBLIC_URL=$public_url
TRUSTED_PROXIES=1
INSTANCE_DIR=$state
SECRET_KEY=$(secret)
JWT_SECRET_KEY=$(secret)
METRICS_TOKEN=$(secret)
# DATABASE_URL=postgresql://confab:PASSWORD@127.0.0.1/confab
# REDIS_URL=redis://127.0.0.1:6379/0
# WEB_CONCURRENCY=4
# SMTP_URL=smtps://USER:PASSWORD@mail.example.com
# SMS_GATEWAY=off
END
    )
    if [ "$(id -un)" != "$user" ] && id "$user" >/dev/null 2>&1; then
        chown ":$(id -gn "$user")" "$draft"
        chmod 640 "$draft"
    fi
    mv "$draft" "$settings"
}

as_account() {
    if [ "$(id -un)" = "$user" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

migrate() {
    [ -e "$release/.complete" ] || fail "$release is not installed: run deploy/install.sh with the step code first"
    as_account test -r "$settings" ||
        fail "the account $user cannot read $settings: run this command with the step settings first, or chown :$user $settings"
    # A setting that needs an optional package: each release has its own packages.
    if grep -q '^SENTRY_DSN=.' "$settings"; then install_requirements requirements-sentry.txt; fi
    (cd "$release" && as_account .venv/bin/flask db upgrade) ||
        fail "the database is not migrated, and the version before still serves: correct what the lines above name in $settings," \
            "then run this command again"
    ln -sfn "$release" "$current.new"
    mv -T "$current.new" "$current"
    remove_old_releases
}

# The two before the current one stay, for a rollback.
remove_old_releases() {
    # shellcheck disable=SC2012 # the names of releases have no special characters
    ls -1dt "$prefix"/releases/*/ | sed 's|/$||' | grep -vxF "$(readlink -f "$current")" | tail -n +3 | while read -r old; do
        say "removing $old"
        rm -rf "$old"
    done
}

install_service() {
    [ -d "$units" ] || fail "$units does not exist: name the folder of systemd's units with --units"
    say "installing $units/confab.service"
    sed -e "s|/opt/confab|$prefix|g" -e "s|/var/lib/confab|$state|g" \
        -e "s|^User=.*|User=$user|" -e "s|^Group=.*|Group=$(id -gn "$user")|" "$release/deploy/confab.service" >"$units/confab.service"
    if [ ! -d /run/systemd/system ]; then
        say "systemd does not run here; where it does, run: systemctl enable --now confab"
        return
    fi
    systemctl daemon-reload
    systemctl enable --quiet confab
    systemctl restart confab
    wait_until_ready
}

wait_until_ready() {
    (cd "$current" && "$current/.venv/bin/python" "$current/deploy/healthcheck.py" --ready --wait 60) ||
        fail "the server is not ready: journalctl -u confab -n 50 shows why"
    say "$(basename "$(readlink -f "$current")") serves"
}

umask 022
current=$prefix/current
release=$prefix/releases/$(release_name)
case " $steps " in
*' code '* | *' database '*)
    mkdir -p "$prefix" 2>/dev/null && [ -w "$prefix" ] ||
        fail "$prefix cannot be written: run this command as root, or choose another --prefix"
    exec 9>"$prefix/.lock"
    flock -n 9 || fail "another installation into $prefix runs: wait for its end"
    ;;
esac
for step in $steps; do
    case $step in
    account) create_account ;;
    code) install_code ;;
    settings) write_settings ;;
    database) migrate ;;
    service) install_service ;;
    compose) write_compose_settings ;;
    esac
done
