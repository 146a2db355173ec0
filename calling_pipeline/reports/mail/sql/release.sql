-- Release what a claim took whose commit was not acknowledged: its process never began to send it.
--
-- `known` are the deliveries that the process has in hand, or whose results it has not yet recorded.
UPDATE report_deliveries
SET state = 'pending', attempts = attempts - 1
WHERE state = 'sending' AND mailer = :me AND NOT id = any(:known::bigint[])
