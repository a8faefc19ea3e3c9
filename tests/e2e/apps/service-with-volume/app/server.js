const fs = require('fs')
const http = require('http')

const file = '/var/lib/notes/notes.txt'

http
  .createServer((request, response) => {
    if (request.method === 'PUT') {
      request.pipe(fs.createWriteStream(file, { flags: 'a' })).on('finish', () => response.end('kept\n'))
    } else {
      response.end(fs.existsSync(file) ? fs.readFileSync(file) : 'nothing yet\n')
    }
  })
  .listen(3000)
