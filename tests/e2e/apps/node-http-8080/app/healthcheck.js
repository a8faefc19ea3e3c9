fetch('http://127.0.0.1:8080/health')
  .then((answer) => process.exit(answer.ok ? 0 : 1))
  .catch(() => process.exit(1))
