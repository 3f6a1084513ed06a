// Package config loads a struct of settings from three sources. Later sources win:
//
//  1. the defaults, which package setting reads from the tags of the struct;
//  2. a file config.json, config.yaml, config.yml or config.toml, which names only the settings that differ;
//  3. the environment, where httpServer.port is ACTIONHERO_HTTP_SERVER_PORT.
//
// Begin with [Load], which reads the sources, and [Describe], which lists the settings with their values. The struct is the only
// declaration of a setting; the comment of package setting explains its tags, and the difference between a zero in a Go
// literal (the default) and a zero in a file or variable (zero).
//
// Types: string, bool, integers, floats, [time.Duration] (a text such as "15s", or a number of milliseconds), each
// [encoding.TextUnmarshaler] (which gets the text of a string, number, true or false), structs, pointers to all of these (nil is
// "not given"), slices, and maps with string keys. A list or a map replaces the default as a whole. In the environment, commas
// separate the items of a list ("a,b"), and a map is "k=v,k2=v2"; only a file can hold lists and maps of structs.
//
// Invariants:
//
//   - A misspelled setting must not be ignored: an unknown name or a value of the wrong type is an error, which names the position,
//     the expected type and the nearest known name.
//   - One error lists all problems. After an error, no setting has changed.
//   - All formats share one walker, and so their rules and messages. The library of each format parses the file into the same
//     small tree. Nothing changes the case of a key or guesses a type.
package config
