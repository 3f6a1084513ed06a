// Package logging makes the [log/slog] logger of a server: lines for people on the console, JSON lines in a file that is rotated.
//
//	logger, closer, err := logging.New(logging.Config{Console: true, Folder: "log", File: "api.log", MaxSize: 10 << 20})
//	logger.Info("[action @ web]", "to", "127.0.0.1", "action", "status", "duration", 12)
//
// prints, in colour on a terminal,
//
//	2026-11-23 17:04:05 | [action @ web] to: 127.0.0.1 | action: status | duration: 12
//
// and appends {"time":"2026-11-23T17:04:05.123Z","level":"INFO","msg":"[action @ web]","to":"127.0.0.1","action":"status","duration":12}
// to log/api.log.
//
// Much of what is logged was written by strangers. So no message, key or value can start a line of its own or reach the terminal as
// an escape code: control characters, line separators, bidirectional overrides, other invisible characters and bytes that are not
// UTF-8 are written as \n, \x1b, \u202e and the like. A backslash stays as it is, because text with backslashes (paths, JSON) is far more
// common than text that wants to look escaped; the JSON form is exact.
//
// The handlers are our own because no ready one writes this line, and because a line is written per request: they append by hand into
// pooled buffers and write once per record. Rotation, with its clashes of names and removal of old files, is timberjack's.
package logging
