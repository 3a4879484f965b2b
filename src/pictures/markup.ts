/** Elements that the explorer of attentions fills: switches, and below them all heads, one head, and its keys. */

export const controls = `<div class="controls">
  <fieldset class="switch groups"><legend>Attention</legend></fieldset>
  <fieldset class="switch views"><legend>View</legend></fieldset>
  <fieldset class="switch ranges"><legend>Darkest of</legend></fieldset>
  <fieldset class="switch shades"><legend>Scale</legend></fieldset>
</div>`;

export const explorer = `<section class="heads" aria-label="All heads"></section>
<p class="reading" dir="auto"></p>
<section class="head" aria-label="One head">
  <div class="caption">
    <h2></h2>
    <p class="readout" aria-live="polite"></p>
    <div class="legend" aria-hidden="true"></div>
  </div>
  <div class="map" tabindex="0" role="application" aria-label="Heat map; arrow keys move from weight to weight"></div>
  <div class="lines" tabindex="0" role="application" aria-label="Lines from one token, for each head of the layer; arrow keys choose the token" hidden></div>
  <button class="save" type="button">Save picture</button>
</section>`;
