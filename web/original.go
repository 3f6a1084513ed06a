package web

import "github.com/actionhero-go/actionhero/transport"

// Original is a part of an app. It makes the settings jsonp, echoParams and poweredBy of the section "commonWeb" true by
// default, so that clients of the original actionHero find what they know: JSONP, the member recievedParams and the header
// X-Powered-By. The stock server has this part. Without it, these settings are false by default, because a response
// should not contain more than the app decided to send.
var Original = transport.Part(original{})

type original struct{}

// choice returns the value of a setting, or byDefault if the setting is not set.
func choice(setting *bool, byDefault bool) bool {
	if setting != nil {
		return *setting
	}
	return byDefault
}
