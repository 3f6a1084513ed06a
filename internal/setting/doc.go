// Package setting reads the declarations of settings. The tags of a struct field declare a setting with its default and
// its range; no other code contains a default or a range.
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
//   - json: the key. "-" hides a field; ",inline" adds the keys of a struct to the enclosing struct.
//   - default: the default value, in the form of an environment variable.
//   - auto: a description of the default, if the program computes the default later. The field stays zero until then,
//     and zero is in range.
//   - min, max: the range of a number, duration or size, or of the length of a text in bytes. Both ends are included.
//   - also: values outside of min and max that are in range too, separated by commas.
//   - enum: the allowed values of a text, separated by commas.
//   - range: a description of the range, if min and max do not describe it completely.
//   - unit: the unit of a whole number. A number with the unit "bytes" is a size, which may be written as "64 KiB".
//   - limit: marks a limit on something that a client can grow, and names the unit that the limit counts for: "client",
//     "address", "request" or "server" (all clients together). The table of limits lists these settings.
//   - reached: the effect that a client sees when the limit is reached.
//   - secret: with "true", messages and listings never contain the value.
//   - doc: the explanation of the setting.
//
// # Zero values
//
// A zero field of a struct of settings has one of two meanings:
//
//   - In a literal in a Go program, a zero field means the default. The zero value of a Config is therefore valid.
//   - In a struct that [Fill] has filled, a zero field means zero. Package config fills the struct before it reads the
//     file and the environment, so a zero in the file or the environment counts.
//
// The embedded [Filled] distinguishes the two cases: Fill marks the struct as filled, and in a marked struct it only
// replaces nil pointers. So every constructor calls Fill, and a struct may be passed to several constructors. A nil
// pointer means "not given" in both cases. A switch that is on by default is a *bool, because a literal could not turn
// off a bool.
package setting
