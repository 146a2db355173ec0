-- Release what a claim took whose commit was not acknowledged: its dispatcher never began to send it.
--
-- `known` are the messages that the dispatcher has in flight, or whose results it has not yet recorded.
UPDATE {box}
SET state = 'pending', attempts = attempts - 1
WHERE state = 'sending' AND dispatcher = :me AND NOT id = any(:known::bigint[])
