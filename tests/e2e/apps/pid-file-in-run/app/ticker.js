const fs = require('fs')

fs.writeFileSync(process.env.PID_FILE, String(process.pid))
process.on('SIGTERM', () => {
  fs.unlinkSync(process.env.PID_FILE)
  process.exit(0)
})
setInterval(() => console.log(new Date().toISOString()), 1000)
