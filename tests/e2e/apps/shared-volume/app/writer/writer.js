const fs = require('fs')

if (!fs.existsSync('/spool/new')) fs.writeFileSync('/spool/old', 'yesterday')
setInterval(() => fs.writeFileSync('/spool/new', 'today'), 200)
