"""Dockerfiles on Node."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

import json

from tests.proof.rig import Case, Exits, Serves, Stays

# It answers with how often it was asked, kept in the file $STATE when there is one.
SERVER = """const http = require('http'), fs = require('fs')
const state = process.env.STATE
if (process.env.LOG) fs.appendFileSync(process.env.LOG, 'started')
http.createServer((asked, answer) => {
  let out = 'hello'
  if (state) { fs.appendFileSync(state, 'x'); out = 'kept ' + fs.statSync(state).size }
  answer.end(out)
}).listen(Number(process.env.PORT || 3000))
"""


def package(**scripts: str) -> str:
    return json.dumps({"name": "shop", "version": "1.0.0", "scripts": {"start": "node server.js", **scripts}})


FILES = {"server.js": SERVER, "package.json": package()}
HELLO, KEPT = Serves(3000, "hello"), Serves(3000, "kept")
SLIM, END = "FROM node:20-slim\n", 'EXPOSE 3000\nCMD ["node", "server.js"]\n'
JOB = "const fs = require('fs'), os = require('os')\nconsole.log('uid=' + process.getuid())\n"
# The result that a bundler would leave.
BUILD = "const fs = require('fs')\nfs.mkdirSync('dist', {recursive: true})\nfs.copyFileSync('server.js', 'dist/server.js')\n"

CASES = (
    Case("usual", f"{SLIM}WORKDIR /usr/src/app\nCOPY package*.json ./\nRUN npm ci --omit=dev\nCOPY . .\n{END}", HELLO, files=FILES, uid="1000",
         holds=("COPY --chown=1000:1000 . .", "USER 1000:1000")),
    Case("state-beside-code", f"{SLIM}WORKDIR /app\nCOPY . .\nENV STATE=state.txt\n{END}", KEPT, files=FILES),
    Case("npm-start", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\nEXPOSE 3000\nCMD [\"npm\", \"start\"]\n", HELLO, "review", files=FILES),
    Case("npm-run-serve-shell", f"{SLIM}WORKDIR /app\nADD . .\nRUN npm install\nEXPOSE 3000\nCMD npm run serve\n", KEPT, "review",
         files={**FILES, "package.json": package(serve="mkdir -p .cache && STATE=.cache/x node server.js")}),
    Case("npm-writes-into-modules", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\nEXPOSE 3000\nCMD [\"npm\", \"run\", \"dev\"]\n", KEPT, "review",
         files={**FILES, "package.json": package(dev="mkdir -p node_modules/.cache && STATE=node_modules/.cache/x node server.js")}),
    Case("node-writes-into-modules", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\nENV STATE=node_modules/.cache.txt\n{END}", KEPT, files=FILES,
         holds=("RUN npm install && chown -R 1000:1000 /app",)),
    Case("installed-in-a-subfolder", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN cd web && npm ci\nENV STATE=web/node_modules/left-pad/x\n{END}", KEPT,
         files={**FILES, "web/package.json": package()}, holds=("npm ci && chown -R 1000:1000 /app/web\n",)),
    Case("built-behind-packages", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm ci\nCOPY . .\nRUN npm run build\nENV STATE=node_modules/left-pad/x\nEXPOSE 3000\nCMD [\"node\", \"dist/server.js\"]\n",
         KEPT, "review", files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}, told="what npm of line 6 builds in /app stays with root"),
    Case("state-in-what-is-built", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm ci\nCOPY . .\nRUN npm run build\nENV STATE=dist/x\nEXPOSE 3000\nCMD [\"node\", \"dist/server.js\"]\n",
         KEPT, "breaks", files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}, told="what npm of line 6 builds in /app stays with root"),
    Case("state-in-what-is-built-at-once", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN npm ci \\\n && npm run build\nENV STATE=dist/x\nEXPOSE 3000\nCMD [\"node\", \"dist/server.js\"]\n",
         KEPT, files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}, holds=(" && npm run build \\\n && chown -R 1000:1000 /app\n",)),
    Case("seed-behind-packages", f"{SLIM}WORKDIR /app\nCOPY package.json .\nRUN npm ci\nCOPY . .\nRUN node scripts/seed.js\nENV STATE=var/seed.db\n{END}", KEPT,
         files={**FILES, "scripts/seed.js": "const fs = require('fs')\nfs.mkdirSync('var')\nfs.writeFileSync('var/seed.db', 'x')\n"}, holds=("node scripts/seed.js && chown -R 1000:1000 /app", "RUN npm ci\n")),
    Case("cloned-then-installed", f"{SLIM}COPY . /tmp/clone\nRUN cp -r /tmp/clone /app\nWORKDIR /app\nRUN npm install\nENV STATE=node_modules/left-pad/x\n{END}", KEPT, files=FILES,
         holds=("cp -r /tmp/clone /app && chown -R 1000:1000 /app\n", "mkdir -p /app/node_modules && chown -R 1000:1000 /app/node_modules\n")),
    Case("packages-in-the-stage-below", f"FROM node:20-slim AS base\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\n\nFROM base AS test\nCOPY . .\nRUN npm test\n\nFROM base\nCOPY . .\nENV STATE=node_modules/left-pad/x\n{END}", KEPT, files=FILES,
         holds=("RUN npm ci && chown -R 1000:1000 /app\n",)),
    Case("build-then-dist", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN npm install && npm run build\nEXPOSE 3000\nCMD [\"node\", \"dist/server.js\"]\n", HELLO,
         files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}),
    Case("seed-in-build", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN npm run seed\nENV STATE=seed.db\n{END}", KEPT,
         files={**FILES, "package.json": package(seed="echo x > seed.db")}),
    Case("seed-by-node", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN node scripts/seed.js\nENV STATE=var/seed.db\n{END}", KEPT,
         files={**FILES, "scripts/seed.js": "const fs = require('fs')\nfs.mkdirSync('var')\nfs.writeFileSync('var/seed.db', 'x')\n"}),
    Case("two-stages", 'FROM node:20 AS build\nWORKDIR /src\nCOPY . .\nRUN npm ci && npm run build\n\nFROM node:20-slim\nWORKDIR /app\nENV NODE_ENV=production\nCOPY --from=build /src/node_modules ./node_modules\n'
         'COPY --from=build /src/dist ./\nENV STATE=/app/state\nEXPOSE 3000\nCMD ["node", "server.js"]\n', KEPT,
         files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}),
    Case("three-stages-shared-base", 'FROM node:20-slim AS base\nWORKDIR /app\n\nFROM base AS deps\nCOPY package.json .\nRUN npm ci\n\nFROM base AS build\nCOPY . .\nRUN npm run build\n\n'
         'FROM base AS runner\nCOPY --from=deps /app/node_modules ./node_modules\nCOPY --from=build /app/dist ./\nENV STATE=x\nEXPOSE 3000\nCMD ["node", "server.js"]\n', KEPT,
         files={**FILES, "build.js": BUILD, "package.json": package(build="node build.js")}),
    Case("no-workdir", f"{SLIM}COPY server.js /\nEXPOSE 3000\nCMD [\"node\", \"/server.js\"]\n", HELLO, "review", files=FILES),
    Case("node-user-and-home", f"{SLIM}USER node\nWORKDIR /home/node/app\nCOPY --chown=node:node . .\nENV STATE=x\n{END}", KEPT, files=FILES, uid="1000"),
    Case("node-user-and-root-again", f"{SLIM}WORKDIR /home/node/app\nRUN chown node:node /home/node/app\nUSER node\nCOPY --chown=node . .\nRUN npm install\nUSER root\nENV STATE=x\n{END}", KEPT,
         files=FILES, uid="1000"),
    Case("root-step-needs-root", f"{SLIM}USER node\nWORKDIR /srv/app\nCOPY --chown=node . .\nUSER root\nENV STATE=/srv/app/x\n{END}", KEPT, files=FILES, uid="1000"),
    Case("chown-R-node-and-no-user", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN npm install && chown -R node:node /app\nENV STATE=node_modules/x\n{END}", KEPT, files=FILES, uid="1000"),
    Case("own-user-beside-node", f"{SLIM}RUN groupadd -g 1500 shop && useradd -u 1500 -g shop shop\nWORKDIR /app\nCOPY . .\nENV STATE=x\n{END}", KEPT, files=FILES, uid="1500"),
    Case("modules-outside", f"{SLIM}RUN mkdir -p /opt/app/node_modules\nWORKDIR /opt/app\nCOPY . .\nRUN npm ci\nENV STATE=/opt/app/x\n{END}", KEPT, files=FILES),
    Case("modules-from-root-home", 'FROM node:20 AS build\nWORKDIR /root/app\nCOPY . .\nRUN npm ci\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /root/app .\nENV STATE=x\n'
         f"{END}", KEPT, files=FILES),
    Case("volume-for-uploads", f"{SLIM}WORKDIR /app\nCOPY . .\nVOLUME /app/uploads\nENV STATE=uploads/x\n{END}", KEPT, "review", files=FILES),
    Case("uploads-in-env", f"{SLIM}ENV UPLOAD_DIR=/uploads\nRUN mkdir $UPLOAD_DIR\nWORKDIR /app\nCOPY . .\nENV STATE=/uploads/x\n{END}", KEPT, files=FILES),
    Case("logs-folder", f"{SLIM}WORKDIR /app\nRUN mkdir logs\nCOPY . .\nENV LOG=logs/app.log\n{END}", HELLO, files=FILES),
    Case("log-in-var-log", f"{SLIM}RUN mkdir -p /var/log/shop && touch /var/log/shop/app.log\nWORKDIR /app\nCOPY . .\nENV LOG=/var/log/shop/app.log\n{END}", HELLO, files=FILES),
    Case("port-80-by-env", f"{SLIM}ENV PORT=80\nWORKDIR /app\nCOPY . .\nEXPOSE 80\nCMD [\"node\", \"server.js\"]\n", Serves(80, "hello"), "review", files=FILES, told="port 80"),
    Case("port-by-arg", f"{SLIM}ARG PORT=3000\nENV PORT=${{PORT}}\nWORKDIR /app\nCOPY . .\nEXPOSE ${{PORT}}\nCMD [ \"node\", \"server.js\" ]\n", HELLO, files=FILES),
    Case("entry-script", f"{SLIM}WORKDIR /app\nCOPY docker-entrypoint.sh /usr/local/bin/\nRUN chmod a+x /usr/local/bin/docker-entrypoint.sh\nCOPY . .\nEXPOSE 3000\nENTRYPOINT [\"docker-entrypoint.sh\"]\nCMD [\"node\", \"server.js\"]\n",
         KEPT, "review", files={**FILES, "docker-entrypoint.sh": "#!/bin/sh\nset -e\nexport STATE=/app/$(date +%s).txt\necho start > $STATE\nexec \"$@\"\n"}, modes={"docker-entrypoint.sh": 0o644}),
    Case("entry-script-writes-env-js", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 3000\nCMD [\"sh\", \"-c\", \"echo window.x=1 > /app/public/env.js && exec node server.js\"]\n", HELLO, "review",
         files={**FILES, "public/env.js": ""}),
    Case("home-cache", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 3000\nCMD [\"node\", \"job.js\"]\n", Exits("kept"),
         files={"job.js": JOB + "const d = os.homedir() + '/.cache/shop'\nfs.mkdirSync(d, {recursive: true})\nfs.writeFileSync(d + '/x', 'kept')\nconsole.log(fs.readFileSync(d + '/x', 'utf8'))\n"}),
    Case("home-set-to-root", f"{SLIM}ENV HOME=/root\nWORKDIR /app\nCOPY . .\nEXPOSE 3000\nCMD [\"node\", \"job.js\"]\n", Exits("kept"), "review",
         files={"job.js": JOB + "const d = os.homedir() + '/.cache/shop'\nfs.mkdirSync(d, {recursive: true})\nfs.writeFileSync(d + '/x', 'kept')\nconsole.log(fs.readFileSync(d + '/x', 'utf8'))\n"}),
    Case("tmp", f"{SLIM}WORKDIR /app\nCOPY job.js .\nEXPOSE 3000\nCMD [\"node\", \"job.js\"]\n", Exits("kept"),
         files={"job.js": JOB + "const d = fs.mkdtempSync(os.tmpdir() + '/x')\nfs.writeFileSync(d + '/x', 'kept')\nconsole.log('kept')\n"}),
    Case("npmrc-in-context", f"{SLIM}WORKDIR /app\nCOPY .npmrc package.json ./\nRUN npm ci && rm -f .npmrc\nCOPY . .\n{END}", HELLO, files={**FILES, ".npmrc": "x=y\n"}, modes={".npmrc": 0o600}),
    Case("lower-case-and-comments", "# the shop\nfrom node:20-slim as shop\n\nworkdir /app\n# all of it\ncopy . . \nrun npm ci \\\n  # quickly\n  --omit=dev\n\nenv STATE=x\n\n# a port\nexpose 3000\n\n"
         "# and off we go\ncmd [\"node\", \"server.js\"]\n# the end", KEPT, files=FILES),
    Case("healthcheck-node", f"{SLIM}WORKDIR /app\nCOPY . .\nHEALTHCHECK --interval=1s --timeout=2s CMD node -e \"require('http').get('http://localhost:3000')\"\n{END}", HELLO, files=FILES),
    Case("compose-target-development", 'FROM node:20-slim AS development\nWORKDIR /app\nCOPY . .\nRUN npm install\nEXPOSE 3000\nCMD ["npm", "run", "dev"]\n\nFROM development AS production\nCMD ["node", "server.js"]\n', KEPT, "review",
         files={**FILES, "package.json": package(dev="STATE=x node server.js"), "docker-compose.yml": "services:\n  web:\n    build:\n      context: .\n      target: development\n"},
         build=("--target", "development")),
    Case("code-mounted-over", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 3000\nENTRYPOINT [\"node\"]\nCMD [\"server.js\"]\n", HELLO, files=FILES, run=("--read-only", "--tmpfs", "/tmp")),
    Case("su-exec-like", f"{SLIM}COPY gosu /usr/local/bin/gosu\nWORKDIR /app\nCOPY . .\nCMD [\"gosu\", \"node\", \"node\", \"server.js\"]\n", Stays(), "refused:steps-down",
         files={**FILES, "gosu": "#!/bin/sh\nshift\nexec \"$@\"\n"}),
    Case("node-already", f"{SLIM}WORKDIR /app\nCOPY --chown=1000:1000 . .\nUSER 1000:1000\n{END}", HELLO, "clean", files=FILES, uid="1000"),
)  # fmt: skip
