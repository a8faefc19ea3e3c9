if (process.getuid() === 0) {
  process.setgid('node')
  process.setuid('node')
}
