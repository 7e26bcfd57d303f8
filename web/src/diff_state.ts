// What the views of two recordings share: beyond figure, filter and selection, what is taken for the same call
// in both, and how wide the flame graph draws it.
import {
  columnsOf,
  differenceOf,
  widthsOf,
  type Columns,
  type Difference,
  type DiffReport,
  type Likeness,
  type Width,
} from './model/difference';
import { matchesOf } from './model/filter';
import { Choices, keptInAddress, type Changed } from './state';

export class DiffState extends Choices<Difference> {
  likeness: Likeness;
  width: Width;
  columns: Columns;
  values: Float64Array; // widths in the flame graph

  constructor(report: DiffReport) {
    const kept = keptInAddress();
    const likeness = kept.get('likeness') === 'line' ? 'line' : 'function';
    super(differenceOf(report, likeness), kept);
    this.likeness = likeness;
    this.width = kept.get('width') === 'change' ? 'change' : 'both';
    this.columns = columnsOf(this.recording, this.figure);
    this.values = widthsOf(this.columns, this.width);
  }

  setLikeness(likeness: Likeness) {
    if (likeness === this.likeness) return;
    this.change('likeness', () => {
      this.likeness = likeness;
      this.recording = differenceOf(this.recording.report, likeness);
      this.matches = matchesOf(this.recording, this.filter);
      this.selection = null;
    });
  }
  setWidth(width: Width) {
    if (width !== this.width) this.change('width', () => (this.width = width));
  }

  protected follow(what: Changed) {
    if (what !== 'figure' && what !== 'likeness' && what !== 'width') return;
    this.columns = columnsOf(this.recording, this.figure);
    this.values = widthsOf(this.columns, this.width);
  }

  protected addTo(kept: URLSearchParams) {
    if (this.likeness !== 'function') kept.set('likeness', this.likeness);
    if (this.width !== 'both') kept.set('width', this.width);
  }
}
