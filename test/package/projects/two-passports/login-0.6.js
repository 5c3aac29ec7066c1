import sessions from 'passport'
import login from 'passport-0.6'
import { serve } from './app.js'

serve({ login, sessions })
