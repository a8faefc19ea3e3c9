const fs = require('fs')

const pages = fs.readdirSync('pages')
fs.mkdirSync('dist', { recursive: true })
for (const page of pages) fs.copyFileSync(`pages/${page}`, `dist/${page}`)
fs.writeFileSync('dist/index.html', `<p>built from ${pages.length} pages</p>\n`)
