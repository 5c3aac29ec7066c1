declare module 'passport-0.5' {
  import passport from 'passport'
  export default passport
}
