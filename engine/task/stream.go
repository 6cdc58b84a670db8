package task

// stream keeps the newest bytes of an output.
type stream struct {
	buf     []byte
	dropped int
}

func (s *stream) size() int { return len(s.buf) + s.dropped }

func (s *stream) write(p []byte, limit int) {
	s.buf = append(s.buf, p...)
	if over := len(s.buf) - limit; over > limit/4 { // in bulk, so that writing n bytes costs O(n)
		s.dropped += over
		s.buf = append(s.buf[:0], s.buf[over:]...)
	}
}

// Stream writes to one of a task's streams.
type Stream struct {
	task *Task
	name string
}

// Write appends to the stream; it never fails.
func (s *Stream) Write(p []byte) (int, error) {
	if s.task == nil || len(p) == 0 {
		return len(p), nil
	}
	t := s.task
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams == nil {
		t.streams = map[string]*stream{}
	}
	st := t.streams[s.name]
	if st == nil {
		st = &stream{}
		t.streams[s.name] = st
	}
	st.write(p, t.manager.cfg.StreamBytes)
	return len(p), nil
}
