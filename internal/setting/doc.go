// Package setting reads the declaration of a setting: the tags of a struct field. Nothing else names a default or a range.
//
//	type Config struct {
//		filled
//
//		Port    int           `json:"port" default:"8080" doc:"port to listen on"`
//		Enable  *bool         `json:"enable" default:"true" doc:"listen at all"`
//		MaxBody int64         `json:"maxBody" unit:"bytes" default:"10 MiB" min:"1" doc:"largest body"`
//		Timeout time.Duration `json:"timeout" default:"30s" min:"1ms" doc:"time limit of a request"`
//	}
//
//	type filled = setting.Filled
//
// # Tags
//
//   - json: the key; "-" hides a field, ",inline" adds the keys of a struct to those of the struct around it.
//   - default: the default, written as in the environment.
//   - auto: in words, the default that the program works out later. The field stays zero until then, and zero is in range.
//   - min, max: the range of a number, duration or size, both ends included; of a text, its length in bytes.
//   - enum: the values of a text, separated by commas.
//   - range: the range in words, if min and max do not say it all.
//   - unit: what a whole number counts; with "bytes" it is a size that may be written as "64 KiB".
//   - secret: with "true", the value never appears in messages and listings.
//   - doc: the explanation.
//
// # Zero values
//
// There are two ways to make a struct of settings, and one rule for each:
//
//   - A literal in a Go program: a field that is zero has its default. The zero value of a Config therefore works.
//   - A struct that [Fill] has filled: a field that is zero is zero. Package config fills the struct before it reads the file and
//     the environment, so a zero that stands there counts.
//
// The embedded [Filled] tells the two apart: Fill sets it and does nothing to a struct that has it. So every constructor calls
// Fill, and a struct may pass through any number of them. A nil pointer means "not given" in both cases: a switch that is on by
// default is a *bool, because a bool could not be turned off in a literal.
package setting
