import { RedisStore } from 'connect-redis-8'
import { Redis } from 'iovalkey'
import { redisRefreshes } from 'passport-twilio'
import { serve } from './app.js'

const redis = new Redis(process.env.REDIS_URL)

serve(new RedisStore({ client: redis }), redisRefreshes(redis))
