import { RedisStore } from 'connect-redis-9'
import { redisRefreshes } from 'passport-twilio'
import { createClient } from 'redis'
import { serve } from './app.js'

const redis = await createClient({ url: process.env.REDIS_URL }).connect()

serve(new RedisStore({ client: redis }), redisRefreshes(redis))
