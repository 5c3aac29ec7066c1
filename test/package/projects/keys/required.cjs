exports.Required = require('passport-twilio')
