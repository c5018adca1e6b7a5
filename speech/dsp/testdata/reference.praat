# Measures the WAV files named in a list with Praat, for the comparison in praat_test.go. It writes three lines for each file: F0 (two
# passes), intensity, and the times of the syllable nuclei after de Jong and Wempe (2009). Fields are separated by tabs.
form Reference
  sentence list
  sentence out
endform

names = Read Strings from raw text file: list$
count = Get number of strings
for f to count
  selectObject: names
  name$ = Get string: f
  sound = Read from file: name$
  seconds = Get total duration
  @f0
  @intensity
  @nuclei
  selectObject: sound, pitch, level, grid
  Remove
endfor

procedure f0
  selectObject: sound
  wide = To Pitch (ac): 0.01, 65, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600
  q25 = Get quantile: 0, 0, 0.25, "Hertz"
  q75 = Get quantile: 0, 0, 0.75, "Hertz"
  floor = 65
  ceiling = 600
  if q25 <> undefined
    floor = min (max (65, 0.75 * q25), 300)
    ceiling = min (max (2 * floor, 1.5 * q75), 600)
  endif
  selectObject: sound
  pitch = To Pitch (ac): 0.01, floor, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, ceiling
  frames = Get number of frames
  start = Get time from frame number: 1
  line$ = "pitch" + tab$ + fixed$ (start, 6)
  for i to frames
    hz = Get value in frame: i, "Hertz"
    if hz = undefined
      hz = 0
    endif
    line$ = line$ + tab$ + fixed$ (hz, 3)
  endfor
  appendFileLine: out$, line$
  selectObject: wide
  Remove
endproc

procedure intensity
  selectObject: sound
  level = To Intensity: 50, 0.01, "yes"
  frames = Get number of frames
  start = Get time from frame number: 1
  line$ = "intensity" + tab$ + fixed$ (start, 6)
  for i to frames
    db = Get value in frame: i
    line$ = line$ + tab$ + fixed$ (db, 4)
  endfor
  appendFileLine: out$, line$
endproc

# A nucleus is a maximum above the threshold, voiced, in a sounding part, from which the intensity falls by more than 2 dB before the next. How
# far it rose before is not asked, as it is in ours.
procedure nuclei
  selectObject: level
  almostMaximum = Get quantile: 0, 0, 0.99
  maximum = Get maximum: 0, 0, "Parabolic"
  minimum = Get minimum: 0, 0, "Parabolic"
  threshold = max (almostMaximum - 25, minimum)
  grid = To TextGrid (silences): threshold - maximum, 0.3, 0.1, "silent", "sounding"
  line$ = "nuclei" + tab$ + fixed$ (seconds, 6)
  best = -1000
  dip = 1000
  selectObject: level
  for i from 2 to frames - 1
    selectObject: level
    before = Get value in frame: i - 1
    here = Get value in frame: i
    after = Get value in frame: i + 1
    time = Get time from frame number: i
    dip = min (dip, here)
    if here > before and here >= after and here > threshold
      if best > -1000 and best - dip > 2
        @keep
      endif
      if best = -1000 or best - dip > 2 or here > best
        best = here
        at = time
        dip = here
      endif
    endif
  endfor
  if best > -1000
    @keep
  endif
  appendFileLine: out$, line$
endproc

procedure keep
  selectObject: pitch
  voice = Get value at time: at, "Hertz", "Linear"
  selectObject: grid
  interval = Get interval at time: 1, at
  label$ = Get label of interval: 1, interval
  if voice <> undefined and label$ = "sounding"
    line$ = line$ + tab$ + fixed$ (at, 4)
  endif
endproc
