export default {
  target: 'node',
  mode: 'production',
  entry: './app.mjs',
  output: { filename: 'app.cjs' },
  optimization: { minimize: false }
}
