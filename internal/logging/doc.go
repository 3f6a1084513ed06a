// Package logging builds the [log/slog] logger of a server. The logger writes lines for people to the console, and JSON
// lines to a file that is rotated. Begin with [New].
//
//	logger, file, err := logging.New(logging.Config{Console: true, Folder: "log", File: "api.log", MaxSize: 10 << 20})
//	logger.Info("[action @ web]", "remote", "127.0.0.1", "action", "status", "duration", 0.412)
//
// prints the following line, in colour on a terminal,
//
//	2026-11-23 17:04:05 | [action @ web] remote: 127.0.0.1 | action: status | duration: 0.412
//
// and appends the following line to log/api.log:
//
//	{"time":"2026-11-23T17:04:05.123Z","level":"INFO","msg":"[action @ web]","remote":"127.0.0.1","action":"status","duration":0.412}
//
// Clients write much of the text that is logged. Therefore no message, key or value can begin a new line or reach the
// terminal as an escape code. Control characters, line separators, bidirectional overrides, other invisible characters
// and bytes that are not UTF-8 are written as \n, \x1b, \u202e and so on. The human format quotes a text that has a |, or
// that begins with a quote, so that no text looks like several fields. It does not escape a backslash in other texts.
// Backslashes in paths and JSON are far more common than text that imitates an escape. The JSON format is exact.
//
// [log/slog.JSONHandler] writes the JSON format. The human format has its own handler in this package, because no
// library writes this format. The handler uses a pooled buffer, because the server logs a line for each request. A batcher
// collects the lines of an output, and writes them without holding up the code that logs. The library timberjack rotates the
// file and removes old files.
package logging
