'use strict';

// Counts visits. The count is kept beside the code, so it survives a restart of the container.
const fs = require('fs');
const http = require('http');
const path = require('path');

const file = path.join(__dirname, 'count.txt');
const port = Number(process.env.PORT || 3000);

function count() {
  try {
    return Number(fs.readFileSync(file, 'utf8')) || 0;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

const server = http.createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end('ok\n');
    return;
  }
  const visits = count() + 1;
  fs.writeFileSync(file, `${visits}\n`);
  response.end(`visit ${visits}\n`);
});

server.listen(port, () => console.log(`listening on ${port}`));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
