# Tries a bundle outside the project, where no package is installed: sh try-alone.sh app.cjs
set -e
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cp -r dist/. "$folder"
node ../try.cjs "$folder/$1"
node ../refuse.cjs "$folder/$1"
