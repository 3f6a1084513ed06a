package actionhero

// RoomsHere returns how many rooms this node keeps in memory.
func (r *Rooms) RoomsHere() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.rooms)
}
