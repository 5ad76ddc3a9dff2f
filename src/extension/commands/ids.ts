/** The commands, once. package.json contributes the same list. */
export const COMMANDS = [
  'croc.send',
  'croc.receive',
  'croc.receiveHere',
  'croc.startRelay',
  'croc.stopRelay',
  'croc.showRelay',
  'croc.showTransfer',
  'croc.copyCode',
  'croc.copyReceiveCommand',
  'croc.cancel',
  'croc.sendAgain',
  'croc.resume',
  'croc.reveal',
  'croc.removeTransfer',
  'croc.clearHistory',
  'croc.getStarted',
] as const;
export type CommandId = (typeof COMMANDS)[number];
