import config from './webpack.config.mjs'

export default { ...config, output: { filename: 'app.mjs', module: true }, experiments: { outputModule: true } }
