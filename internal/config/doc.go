// Package config fills a struct of settings from three places, the later one winning:
//
//  1. the defaults, which the struct already holds when [Load] gets it;
//  2. a file config.json, config.yaml, config.yml or config.toml, which names only what differs;
//  3. the environment, where httpServer.port is ACTIONHERO_HTTP_SERVER_PORT.
//
// The struct is the schema: its json tags are the names of sections and keys, and there is no second list to keep in step.
//
//	type Config struct {
//		HTTPServer struct {
//			Port    int           `json:"port" doc:"the port to listen on"`
//			Timeout time.Duration `json:"timeout" doc:"how long a request may take"`
//			MaxBody int64         `json:"maxBody" unit:"bytes" doc:"the largest body"`
//		} `json:"httpServer"`
//		Redis struct {
//			Password string `json:"password" secret:"true"`
//		} `json:"redis"`
//	}
//
// Tags: json names a key ("-" hides a field), doc is its explanation, unit:"bytes" makes an integer a size that may be
// written as "64 KiB", and secret:"true" keeps a value out of messages and listings.
//
// Types: string, bool, all integers and floats, [time.Duration] (text such as "15s", or a number of milliseconds), any
// [encoding.TextUnmarshaler] (which gets the text of a string, number, true or false), structs, pointers to all of these
// (nil stands for "not given"), slices, and maps with string keys. A list or a map that is given replaces the default as a whole.
// In the environment a list is separated by commas ("a,b") and a map is "k=v,k2=v2"; lists and maps of structs exist in the file only.
//
// A setting that nobody reads is worse than one that is missing, so everything unknown or of the wrong type is an error that says where it
// stands, what was expected and which known name is nearest. All problems are reported at once, and then nothing has been applied.
//
// One walker reads all formats: each format's own library parses it into the same small tree, so that JSON, YAML and TOML share
// their rules and their messages, and neither lower-cases nor guesses anything.
package config
