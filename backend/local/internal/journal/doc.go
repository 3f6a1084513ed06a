// Package journal keeps records in a folder, so that what was kept is there after a crash of the process or of the
// machine. It knows nothing of what the records mean.
//
// # Group commit
//
// Whoever has records adds them, under the owner's lock, to the one batch that is pending, and then waits for it. One
// of those that wait brings the batch to the disk for all, while the next batch gathers: no timer holds anybody up, and
// one sync serves all who came during the one before. A batch is there whole or not at all.
//
// # Files
//
// The journal is a row of segments, files with rising numbers and a fixed size. Batches, counted one by one, follow each
// other in them. A segment is filled with zeros, synced and given its name before it is used, so a commit changes no
// more than the bytes of the batch: one write and one sync, and the disk cannot be full by then.
//
// The owner keeps the journal short by writing again what is still needed of the oldest segment, and dropping it then.
//
// # What a crash leaves, and damage
//
// At most one batch, the last, is on its way to the disk when the machine stops, and nobody has been told that it is
// kept. Some of its sectors may be there and others not; the latter are still zero, as they were before. That is what
// tells a torn batch, which is cut off, from a damaged one: if a batch at the end is not whole and yet none of its
// sectors is missing, or if any other batch is not whole, then something that was kept has changed, and opening fails
// with a [DamageError] that says where.
//
// The limits of this: it takes the disk to write a sector wholly or not at all, as disks say they do. A last batch that
// loses a whole sector after it was kept looks torn, and so does one that is damaged elsewhere and has 512 zeros in
// its records. A journal whose files are all gone looks new.
package journal
