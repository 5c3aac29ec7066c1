import config from './webpack.config.mjs'

export default { ...config, output: { filename: 'app.mjs' }, experiments: { outputModule: true } }
