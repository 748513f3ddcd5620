-- The complete schema of the bare peer.
CREATE TABLE messages (
  id bigint GENERATED ALWAYS AS IDENTITY,
  room_id int NOT NULL,
  sender_id int NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Not on id alone: the planner would scan that index backwards over every newer message of other rooms.
  PRIMARY KEY (room_id, id)
);
