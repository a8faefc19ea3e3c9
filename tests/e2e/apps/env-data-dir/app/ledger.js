const fs = require('fs')
const path = require('path')

const folder = process.env.LEDGER_DATA
fs.mkdirSync(folder, { recursive: true })
fs.writeFileSync(path.join(folder, 'ledger.json'), '[]')
setInterval(() => fs.appendFileSync(path.join(folder, 'audit.log'), `${Date.now()}\n`), 1000)
