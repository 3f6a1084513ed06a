// Package hostile holds what the tests of the transports need to play clients that mean harm, and to see that nobody
// else suffers: slow clients in bulk ([Storm]), innocent clients whose waiting is measured meanwhile ([Probe]), a look
// at what was left behind ([CheckLeaks]), a folder with a secret beside it ([NewTree]) and a log that can be read back
// ([Log]).
package hostile
