const http = require('http')

const items = [{ name: 'bread' }, { name: 'milk' }]

http
  .createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/items' ? items : { status: 'ok' }))
  })
  .listen(8080)
