const fs = require('fs')
const http = require('http')

const cache = 'node_modules/.cache'

http
  .createServer((request, response) => {
    fs.mkdirSync(cache, { recursive: true })
    fs.writeFileSync(`${cache}/page`, 'rendered\n')
    response.end(fs.readFileSync(`${cache}/page`))
  })
  .listen(3000)
