// Package config loads a struct of settings from three sources. Later sources take precedence:
//
//  1. the defaults, which package setting reads from the tags of the struct;
//  2. a file config.json, config.yaml, config.yml or config.toml, which contains only the settings that differ;
//  3. the environment, in which the setting httpServer.port is the variable ACTIONHERO_HTTP_SERVER_PORT.
//
// Begin with [Load], which reads the sources, and [Describe], which lists the settings with their values. A field of the
// struct is the only declaration of a setting. The comment of package setting explains the tags of a field. It also
// explains the difference between a zero in a Go literal, which means the default, and a zero in a file or variable,
// which means zero.
//
// A setting may have one of these types: string, bool, integers, floats, [time.Duration], each
// [encoding.TextUnmarshaler], structs, pointers to all of these, slices, and maps with string keys. A duration is a text
// with a unit, such as "15s". A TextUnmarshaler gets the text of a string, number, true or false. A nil
// pointer means "not given". A list or a map replaces the whole default. In an environment variable, a list is "a,b" and
// a map is "k=v,k2=v2". Only a file can contain lists and maps of structs.
//
// Invariants:
//
//   - A misspelled setting is never ignored: an unknown name or a value of the wrong type is an error. The error names
//     the position, the expected type and the most similar known name.
//   - One error lists all problems. After an error, no setting has changed.
//   - The same code applies the settings of all formats, so all formats have the same rules and messages. The library of
//     each format only parses the file into a tree of nodes. No code changes the case of a key or guesses a type.
package config
