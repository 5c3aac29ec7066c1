import login from 'passport'
import sessions from 'passport-0.6'
import { serve } from './app.js'

serve({ login, sessions })
