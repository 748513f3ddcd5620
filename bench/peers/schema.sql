-- The bare peer's whole schema.
CREATE TABLE messages (
  id bigint GENERATED ALWAYS AS IDENTITY,
  room_id int NOT NULL,
  sender_id int NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Not an index on id alone: the planner would walk it backwards past every newer message of other rooms.
  PRIMARY KEY (room_id, id)
);
