const http = require('http')

http
  .createServer((request, response) => response.end(String(process.getuid())))
  .listen(3000, () => {
    if (process.getuid() === 0) {
      process.setgid('node')
      process.setuid('node')
    }
  })
