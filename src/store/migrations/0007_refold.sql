-- A reference or a document no longer shows by itself from where a consent came, so that the fold
-- of the same evidence is another one. The program folds every record anew.
SELECT 1;
